"""Start here: command line, settings, the components of a node, the demo and the lab."""
