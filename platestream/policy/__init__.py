"""The order as a table, its checks on live data, and the rules of agencies as configuration."""
