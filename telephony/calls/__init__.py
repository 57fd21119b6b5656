"""Manager messages to call events: a pure state machine for each queue visit."""
