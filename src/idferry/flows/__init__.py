"""Who asks for what, one verb per module: rules and ports, no vendor names."""
