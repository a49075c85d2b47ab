package org.kws.core

/** An object read from JSON; every getter refuses by name what is missing or of another kind. */
class JsonObject internal constructor(private val values: Map<String, Any?>, private val path: String) {
    val names: Set<String> get() = values.keys

    /** Whether there is a value, and not null. */
    fun has(name: String): Boolean = values[name] != null

    fun text(name: String): String = of(name, "a text")

    fun flag(name: String): Boolean = of(name, "true or false")

    fun number(name: String, default: Double? = null): Double =
        if (default != null && !has(name)) default else of<Double>(name, "a number")

    fun long(name: String): Long {
        val number = number(name)
        if (number != Math.rint(number) || Math.abs(number) > MOST_EXACT) throw wrong(name, "a whole number")
        return number.toLong()
    }

    fun int(name: String, default: Int? = null): Int {
        if (default != null && !has(name)) return default
        val number = long(name)
        if (number !in Int.MIN_VALUE..Int.MAX_VALUE) throw wrong(name, "a whole number of 32 bits")
        return number.toInt()
    }

    fun texts(name: String): List<String> =
        of<List<*>>(name, "a list of texts").map { it as? String ?: throw wrong(name, "a list of texts") }

    fun numbers(name: String): DoubleArray =
        of<List<*>>(name, "a list of numbers").map { it as? Double ?: throw wrong(name, "a list of numbers") }.toDoubleArray()

    fun lists(name: String): List<DoubleArray> = of<List<*>>(name, "a list of lists").map { row ->
        (row as? List<*> ?: throw wrong(name, "lists")).map { it as? Double ?: throw wrong(name, "numbers") }.toDoubleArray()
    }

    fun objects(name: String): List<JsonObject> =
        of<List<*>>(name, "a list of objects").mapIndexed { index, it -> child("$name[$index]", it) ?: throw wrong(name, "objects") }

    fun objectOrNull(name: String): JsonObject? =
        if (has(name)) child(name, values[name]) ?: throw wrong(name, "an object") else null

    fun objectAt(name: String): JsonObject = objectOrNull(name) ?: throw wrong(name, "an object")

    private fun child(name: String, value: Any?): JsonObject? = wrap(value, "$path.$name")

    private inline fun <reified T> of(name: String, kind: String): T = values[name] as? T ?: throw wrong(name, kind)

    private fun wrong(name: String, kind: String): Refused {
        val found = if (name in values) values[name].toString().take(SHOWN) else "nothing"
        return Refused("$path.$name: $kind expected, $found found; export the model again with kws export")
    }

    companion object {
        private const val SHOWN = 60
        private const val MOST_EXACT = 9007199254740992.0

        /**
         * Read a text that is one JSON object.
         *
         * @param name of the file, for errors
         */
        fun parse(text: String, name: String): JsonObject {
            val value = try {
                JsonReader(text).read()
            } catch (error: JsonError) {
                throw Refused("$name: can't be read as JSON (${error.message}); export the model again with kws export", error)
            }
            return wrap(value, name) ?: throw Refused("$name: holds no JSON object; export the model again with kws export")
        }

        private fun wrap(value: Any?, path: String): JsonObject? {
            val map = value as? Map<*, *> ?: return null
            return JsonObject(map.entries.associate { (key, held) -> key as String to held }, path)
        }
    }
}
