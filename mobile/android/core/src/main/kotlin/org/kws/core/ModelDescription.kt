package org.kws.core

/**
 * The model in the assets: what `kws export --android` wrote beside it.
 *
 * @property name of the checkpoint
 * @property labels names of the scores, in order: silence, unknown, the words
 * @property rateHz of the sound it takes
 * @property clipSamples length of the sound it takes
 * @property decoder the settings it was tuned to
 * @property engines the file for each engine
 * @property kwsVersion of the kws that wrote it
 */
data class ModelDescription(
    val name: String,
    val labels: List<String>,
    val rateHz: Int,
    val clipSamples: Int,
    val decoder: DecoderSettings,
    val engines: Map<Engine, ModelFile>,
    val kwsVersion: String,
) {
    val strideSamples: Int get() = strideSamples(rateHz, decoder.strideMs)
    val clipMs: Long get() = clipSamples * 1000L / rateHz

    companion object {
        const val MANIFEST = "model.json"
        private const val MANIFEST_FORMAT = 1L
        private const val METADATA_FORMAT = 1L
        private val RATES_HZ = 4000..48000
        private val CLIP_MS = 100L..10_000L

        /** As kws/streaming/scorer.py cuts a stride down to whole samples. */
        fun strideSamples(rateHz: Int, strideMs: Int): Int = (rateHz.toDouble() * strideMs / 1000 + 1e-6).toInt()

        /**
         * Read a manifest.
         *
         * @throws Refused it is none, or describes a model that this app can't serve; says why
         */
        fun parse(text: String): ModelDescription {
            val manifest = JsonObject.parse(text, MANIFEST)
            checkFormat("manifest", manifest.long("manifest"), MANIFEST_FORMAT)
            val kws = manifest.objectAt("kws")
            checkFormat("model", kws.long("format"), METADATA_FORMAT)
            if (kws.has("streaming")) {
                throw Refused("$MANIFEST: the model takes a stream, this app whole clips; export it without --streaming")
            }
            val sound = kws.objectAt("sound")
            val model = ModelDescription(
                manifest.text("name"),
                kws.texts("labels"),
                sound.int("rate_hz"),
                sound.int("clip_samples"),
                DecoderSettings.from(kws.objectAt("decoder")),
                engines(manifest.objectAt("engines")),
                kws.text("kws_version"),
            )
            model.checkSound()
            model.checkLabels()
            return model
        }

        private fun engines(entries: JsonObject): Map<Engine, ModelFile> {
            val found = Engine.entries.filter { entries.has(it.key) }
            if (found.isEmpty()) {
                val known = Engine.entries.joinToString { it.key }
                throw Refused("$MANIFEST: engines ${entries.names} given; this app has $known: export with --to mobile or --to onnx")
            }
            return found.associateWith { ModelFile.from(entries.objectAt(it.key)) }
        }

        private fun checkFormat(what: String, found: Long, known: Long) {
            if (found != known) {
                throw Refused("$MANIFEST: $what of format $found, this app reads $known; update the app, or export with its kws")
            }
        }
    }

    private fun checkSound() {
        if (rateHz !in RATES_HZ) throw Refused("$MANIFEST: rate_hz $rateHz; this app serves $RATES_HZ Hz: train at such a rate")
        if (clipSamples <= 0 || clipMs !in CLIP_MS) {
            throw Refused("$MANIFEST: clips of $clipSamples samples at $rateHz Hz; this app serves $CLIP_MS ms: train on such clips")
        }
        if (strideSamples !in 1..clipSamples) {
            throw Refused("$MANIFEST: stride_ms ${decoder.strideMs}; at least a sample and at most a clip of $clipMs ms is expected")
        }
    }

    private fun checkLabels() {
        if (labels.size < LEAST_LABELS || labels.take(2) != listOf(SILENCE, UNKNOWN)) {
            throw Refused("$MANIFEST: labels $labels; $SILENCE, $UNKNOWN and at least one word are expected: export it again")
        }
        Decoder(labels, decoder)
    }
}

private const val LEAST_LABELS = 3

/** What can run a model, under the name that the manifest gives it. */
enum class Engine(val key: String, val title: String) {
    PYTORCH("pytorch", "PyTorch Mobile"),
    ONNX_RUNTIME("onnxruntime", "ONNX Runtime"),
}

/** A model's file in the assets, and how to know that it is the one that was exported. */
data class ModelFile(val file: String, val sha256: String, val bytes: Long) {
    companion object {
        private val NAME = Regex("[A-Za-z0-9][A-Za-z0-9._-]*")
        private val DIGEST = Regex("[0-9a-f]{64}")

        internal fun from(entry: JsonObject): ModelFile {
            val found = ModelFile(entry.text("file"), entry.text("sha256"), entry.long("bytes"))
            if (!NAME.matches(found.file)) throw Refused("file '${found.file}' is no plain file name; export the model again")
            if (!DIGEST.matches(found.sha256)) throw Refused("sha256 '${found.sha256}' is no SHA-256; export the model again")
            return found
        }
    }
}
