"""The demo: the real system, with a recorded PBX in place of a live one."""
