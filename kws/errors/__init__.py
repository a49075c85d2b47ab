"""The error that a user can mend, and checks of settings that raise it."""

from kws.errors.kws_error import InputError as InputError
from kws.errors.kws_error import KwsError as KwsError
from kws.errors.kws_error import first_line as first_line
from kws.errors.kws_error import missing_package as missing_package
from kws.errors.kws_error import user_error as user_error
