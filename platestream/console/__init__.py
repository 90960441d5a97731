"""The console: pages made on the server, for a browser. Each asks a service, and decides nothing itself."""
