"""Errors that are the user's to mend."""


class UserError(Exception):
    """What somebody gave us cannot be used; the message is one sentence that says how to go on.

    The command line prints it on stderr and exits with status 2.
    """
