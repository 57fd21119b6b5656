"""Help for the agent while a call goes on: topic, script, the caller's feelings, what to say."""
