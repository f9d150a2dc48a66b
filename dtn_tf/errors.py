"""What a user can mend or has asked for, told apart from a bug."""


class UserError(ValueError):
    """Something asked for cannot be done: the message says what, what was expected, what to do.

    The programs print it as one line. Every other exception is a bug and keeps its traceback.
    """


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM: the message says what is kept.

    Args:
        message: For people.
        number: Of the signal.
    """

    def __init__(self, message, number):
        super().__init__(message)
        self.number = number
