"""One module per kind of legacy system. A connector reads; it judges nothing and corrects nothing."""
