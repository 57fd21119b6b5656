"""What a supervisor may do to calls and agents, through the manager interface."""
