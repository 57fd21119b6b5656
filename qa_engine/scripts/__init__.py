"""Call scripts (话术): what an agent is to say in which order, followed while the call goes on."""
