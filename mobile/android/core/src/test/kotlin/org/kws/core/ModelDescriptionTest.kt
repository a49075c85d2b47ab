package org.kws.core

import org.junit.Assert.assertEquals
import org.junit.Test

class ModelDescriptionTest {
    private val good = """
        {"manifest": 1, "name": "best",
         "engines": {"pytorch": {"file": "model-0a.ptl", "sha256": "${"0a".repeat(32)}", "bytes": 7}},
         "kws": {"format": 1, "kws_version": "0.1.0", "labels": ["_silence_", "_unknown_", "yes", "nö"],
          "sound": {"rate_hz": 16000, "clip_ms": 1000.0, "window_ms": 30.0, "hop_ms": 10.0, "clip_samples": 16000},
          "features": {}, "model": {}, "training": {},
          "decoder": {"average_window_ms": 500, "threshold": 0.7, "suppression_ms": 1500, "minimum_count": 3, "stride_ms": 30,
           "word_thresholds": {"yes": 0.9}, "consecutive_windows": 1, "release_threshold": null, "repeat_words": false,
           "repeat_held_ms": null}}}
    """

    @Test
    fun readsWhatTheExportWrites() {
        val model = ModelDescription.parse(good)
        assertEquals(listOf(SILENCE, UNKNOWN, "yes", "nö"), model.labels)
        assertEquals(DecoderSettings(wordThresholds = mapOf("yes" to 0.9)), model.decoder)
        assertEquals(mapOf(Engine.PYTORCH to ModelFile("model-0a.ptl", "0a".repeat(32), 7)), model.engines)
        assertEquals(listOf(16000, 16000, 480), listOf(model.rateHz, model.clipSamples, model.strideSamples))
    }

    private fun refused(part: String, old: String, new: String) = assertRefused(part) {
        ModelDescription.parse(good.replace(old, new).also { assert(it != good) })
    }

    @Test
    fun refusesWhatItCanNotServe() {
        refused("manifest of format 2, this app reads 1; update the app", "\"manifest\": 1", "\"manifest\": 2")
        refused("model of format 3", "\"format\": 1", "\"format\": 3")
        refused("rate_hz 96000; this app serves 4000..48000 Hz", "\"rate_hz\": 16000", "\"rate_hz\": 96000")
        refused("clips of 160 samples", "\"clip_samples\": 16000", "\"clip_samples\": 160")
        refused("clips of 1600000 samples", "\"clip_samples\": 16000", "\"clip_samples\": 1600000")
        refused("stride_ms 1200", "500, \"threshold\": 0.7, \"suppression_ms\": 1500, \"minimum_count\": 3, \"stride_ms\": 30",
            "0, \"minimum_count\": 1, \"stride_ms\": 1200")
        refused("labels [yes", "\"_silence_\", \"_unknown_\", ", "")
        refused("each once", "\"nö\"", "\"yes\"")
        refused("stranger unknown to this app", "\"repeat_words\"", "\"stranger\": 1, \"repeat_words\"")
        refused("maybe not among the labels", "{\"yes\": 0.9}", "{\"maybe\": 0.9}")
        refused("threshold: 7.0", "\"threshold\": 0.7", "\"threshold\": 7")
        refused("this app has pytorch, onnxruntime", "\"pytorch\": {\"file\"", "\"tflite\": {\"file\"")
        refused("no plain file name", "model-0a.ptl", "../model.ptl")
        refused("takes a stream, this app whole clips", "\"features\"", "\"streaming\": {}, \"features\"")
        refused("model.json.kws.labels: a list of texts expected, nothing found", "\"labels\"", "\"lables\"")
        refused("can't be read as JSON", "\"repeat_held_ms\": null}}}", "")
    }
}
