package org.kws.core

internal class JsonError(message: String) : Exception(message)

/**
 * A whole JSON text (RFC 8259) to maps, lists, texts, doubles, booleans and nulls. Android's org.json is not on the JVM, and
 * another library would be the only one that this module needs.
 */
internal class JsonReader(private val text: String) {
    private var at = 0
    private var depth = 0

    fun read(): Any? {
        val value = value()
        if (peek() != END) fail("something follows the end")
        return value
    }

    private fun value(): Any? = when (val next = peek()) {
        '{' -> nested { members() }
        '[' -> nested { elements() }
        '"' -> string()
        't' -> word("true", true)
        'f' -> word("false", false)
        'n' -> word("null", null)
        END -> fail("it is cut off")
        else -> if (next == '-' || next in '0'..'9') number() else fail("'$next' is no value")
    }

    private fun <T> nested(read: () -> T): T {
        if (++depth > DEEPEST) fail("it is nested too deeply")
        at++
        return read().also { depth-- }
    }

    private fun members(): Map<String, Any?> {
        val found = LinkedHashMap<String, Any?>()
        if (skip('}')) return found
        do {
            if (peek() != '"') fail("a name in quotes is expected")
            val name = string()
            if (!skip(':')) fail("a colon is expected")
            if (name in found) fail("$name is there twice")
            found[name] = value()
        } while (skip(','))
        if (!skip('}')) fail("a comma or } is expected")
        return found
    }

    private fun elements(): List<Any?> {
        val found = ArrayList<Any?>()
        if (skip(']')) return found
        do found.add(value()) while (skip(','))
        if (!skip(']')) fail("a comma or ] is expected")
        return found
    }

    private fun string(): String {
        val built = StringBuilder()
        at++
        while (true) {
            val next = take()
            when {
                next == '"' -> return built.toString()
                next == '\\' -> built.append(escaped())
                next < ' ' -> fail("a text holds a control character")
                else -> built.append(next)
            }
        }
    }

    private fun escaped(): Char = when (val next = take()) {
        '"', '\\', '/' -> next
        'b' -> '\b'
        'f' -> '\u000C'
        'n' -> '\n'
        'r' -> '\r'
        't' -> '\t'
        'u' -> {
            val code = text.substring(at, minOf(at + 4, text.length))
            at += code.length
            if (!HEX.matches(code)) fail("\\u$code is no character")
            code.toInt(16).toChar()
        }
        else -> fail("\\$next is no character")
    }

    private fun number(): Double {
        val found = NUMBER.find(text, at)
        if (found == null || found.range.first != at) fail("a number is expected")
        at = found.range.last + 1
        return found.value.toDouble()
    }

    private fun word(expected: String, value: Any?): Any? {
        if (!text.startsWith(expected, at)) fail("$expected is expected")
        at += expected.length
        return value
    }

    private fun skip(expected: Char): Boolean = (peek() == expected).also { if (it) at++ }

    private fun peek(): Char {
        while (at < text.length && text[at] in " \t\r\n") at++
        return if (at < text.length) text[at] else END
    }

    private fun take(): Char = if (at < text.length) text[at++] else fail("it is cut off")

    private fun fail(what: String): Nothing = throw JsonError("at character $at: $what")

    private companion object {
        const val END = '\u0000'
        const val DEEPEST = 100
        val HEX = Regex("[0-9a-fA-F]{4}")
        val NUMBER = Regex("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?")
    }
}
