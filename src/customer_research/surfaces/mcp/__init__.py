"""The MCP server: nine tools that read, each answering small, cited and within a deadline; made from the registry of use cases."""
