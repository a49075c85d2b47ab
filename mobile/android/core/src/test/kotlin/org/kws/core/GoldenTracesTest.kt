package org.kws.core

import java.io.File
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeTrue
import org.junit.Test

/** The decoder against tests/golden/decoder_traces.json, which Python writes: equal bit for bit; and against the original's runs. */
class GoldenTracesTest {
    private val golden = File(System.getProperty("kws.golden"), "decoder_traces.json")
    private val content = JsonObject.parse(golden.readText(), golden.name)
    private val labels = content.texts("labels")

    @Test
    fun answersAsPythonDoes() {
        val runs = content.objects("runs")
        assertTrue("${runs.size} runs", runs.size > 80)
        for (run in runs) check(run, Decoder(labels, DecoderSettings.from(run.objectAt("settings"))))
    }

    @Test
    fun answersAsPythonDoesAfterAReset() {
        for (run in content.objects("runs")) {
            val decoder = Decoder(labels, DecoderSettings.from(run.objectAt("settings")))
            for (i in 0..70) decoder.step(FloatArray(labels.size) { if (it == i / 20 % 4) 0.9f else 0f }, 4_000_000_000_000 + 25L * i)
            decoder.reset()
            check(run, decoder)
        }
    }

    @Test
    fun answersAsTheOriginalDid() {
        val file = File(System.getProperty("kws.stream").orEmpty(), "original.json")
        assumeTrue("no $file: the original's runs (reference/decoder.json) are not beside the checkout", file.isFile)
        val original = JsonObject.parse(file.readText(), file.name)
        val runs = original.objects("runs")
        assertEquals(24, runs.size)
        for (run in runs) check(run, Decoder(original.texts("labels"), DecoderSettings.from(run.objectAt("settings"))))
    }

    private fun check(run: JsonObject, decoder: Decoder) {
        val name = run.text("name")
        val times = run.numbers("times_ms")
        val found = run.lists("scores").mapIndexed { i, row ->
            decoder.step(FloatArray(row.size) { row[it].toFloat() }, times[i].toLong())
        }
        assertEquals(name, run.numbers("new").map { it.toInt() }, found.indices.filter { found[it].isNew })
        assertArrayEquals(name, run.numbers("labels").map { it.toInt() }.toIntArray(), found.map { it.label }.toIntArray())
        val scores = run.numbers("answers").map { it.toFloat() }.toFloatArray()
        assertArrayEquals(name, scores, found.map { it.score }.toFloatArray(), 0f)
    }
}
