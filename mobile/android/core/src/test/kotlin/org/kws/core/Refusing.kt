package org.kws.core

import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue

/** Assert that something is refused, in words that hold [part]. */
fun assertRefused(part: String, act: () -> Unit) {
    val message = assertThrows(Refused::class.java) { act() }.message.orEmpty()
    assertTrue("'$part' is not in: $message", part in message)
}
