"""The only place that picks a connector, a directory and a ledger, and turns settings into arguments."""
