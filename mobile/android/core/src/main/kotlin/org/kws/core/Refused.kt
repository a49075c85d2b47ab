package org.kws.core

/** Something that a person can mend: the message says what was found, what was expected, and what to do. */
open class Refused(message: String, cause: Throwable? = null) : Exception(message, cause)
