package org.kws.core

import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Test

class JsonTest {
    private fun read(text: String) = JsonObject.parse(text, "m.json")

    @Test
    fun readsEveryKindOfValue() {
        val all = read(""" {"a": -1.5e2, "b": "\u00e4\n\"/\\ ü", "c": [], "d": {"e": true}, "f": null, "g": ["x"], "h": [[1, 2], []]} """)
        assertEquals(-150.0, all.number("a"), 0.0)
        assertEquals("ä\n\"/\\ ü", all.text("b"))
        assertEquals(emptyList<String>(), all.texts("c"))
        assertEquals(true, all.objectAt("d").flag("e"))
        assertFalse(all.has("f"))
        assertEquals(listOf("x"), all.texts("g"))
        assertEquals(listOf(2, 0), all.lists("h").map { it.size })
    }

    @Test
    fun refusesWhatIsNoJson() {
        val broken = listOf(
            "", "{", "{\"a\"", "{\"a\":}", "{\"a\":1,}",
            "{'a':1}", "{\"a\":01}", "{\"a\":1} x", "{\"a\":\"", "{\"a\":\"\\q\"}",
        )
        for (text in broken) {
            assertRefused("m.json: can't be read as JSON") { read(text) }
        }
        assertRefused("there twice") { read("{\"a\":1,\"a\":2}") }
        assertRefused("too deeply") { read("[".repeat(5000)) }
        assertRefused("holds no JSON object") { read("[1]") }
    }

    @Test
    fun namesWhatIsOfAnotherKind() {
        val content = read("""{"a": {"b": [1.5], "c": "x", "d": 4e9}}""").objectAt("a")
        assertRefused("m.json.a.b: a text expected, [1.5] found") { content.text("b") }
        assertRefused("m.json.a.c: a number expected, x found") { content.int("c") }
        assertRefused("m.json.a.d: a whole number of 32 bits expected") { content.int("d") }
        assertRefused("m.json.a.e: an object expected, nothing found") { content.objectAt("e") }
    }
}
