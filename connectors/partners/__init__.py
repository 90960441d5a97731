"""Between agencies: keys, signatures, where one may connect to, and one request."""
