"""The gateway: operations over HTTP, for holders of an API key."""
