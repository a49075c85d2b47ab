"""The errors a user can meet and mend."""


class KwsError(Exception):
    """Something the user can mend: the message names the file or setting, what was found, and what to do.

    The command line prints it without a traceback and exits with status 2.
    """
