"""The gateway: operations over HTTP, for whoever has an API key."""
