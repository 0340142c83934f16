"""The API documentation page: Swagger UI from this server only, without inline scripts."""

#: Paths of the page's static files and of its start script, below the page.
ASSETS, START = "assets", "start.js"

DOCS_PAGE = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>classin-queue</title>
<link rel="stylesheet" href="docs/{ASSETS}/swagger-ui.css">
<link rel="icon" href="docs/{ASSETS}/favicon.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/{ASSETS}/swagger-ui-bundle.js"></script>
<script src="docs/{START}"></script>
</body>
</html>
"""

START_SCRIPT = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  presets: [SwaggerUIBundle.presets.apis],
});
"""
