package org.kws.core

/** The latest detections, to show and to share; what is older than [capacity] of them is dropped. */
class DetectionLog(private val capacity: Int = 1000) {
    private val entries = ArrayDeque<Pair<String, Detection>>()
    private var dropped = 0

    val size: Int get() = entries.size

    /** Add one, found at [clock], a time of day as it is to be shown. */
    fun add(clock: String, detection: Detection) {
        entries.addLast(clock to detection)
        if (entries.size > capacity) {
            entries.removeFirst()
            dropped++
        }
    }

    /** The last [count], newest first. */
    fun latest(count: Int): List<String> =
        entries.takeLast(count).reversed().map { (clock, found) -> "$clock  ${found.label}  ${score(found)}" }

    /** All, oldest first, as a table with tabs. */
    fun toText(model: ModelDescription): String = buildString {
        append("kws, model ${model.name}: ${entries.size} detections")
        if (dropped > 0) append(" ($dropped older ones dropped)")
        append("\nclock\tstream_ms\tlabel\tscore\n")
        for ((clock, found) in entries) append("$clock\t${found.timeMs}\t${found.label}\t${score(found)}\n")
    }

    private fun score(found: Detection) = String.format(java.util.Locale.ROOT, "%.3f", found.score)
}
