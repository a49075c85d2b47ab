"""The errors a user can meet and mend."""


class KwsError(Exception):
    """Something the user can mend: the message names the file or setting, what was found, and what to do.

    The command line prints it without a traceback and exits with status 2.
    """


def user_error(error: BaseException | None) -> KwsError | None:
    """The error a user can mend that is behind this one, such as Hydra's about a setting that a constructor refused."""
    while error is not None and not isinstance(error, KwsError):
        error = error.__cause__
    return error
