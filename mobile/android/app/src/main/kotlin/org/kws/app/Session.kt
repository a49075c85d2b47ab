package org.kws.app

import android.os.Handler
import android.os.Looper
import android.os.SystemClock
import java.text.SimpleDateFormat
import java.util.Date
import java.util.Locale
import java.util.concurrent.atomic.AtomicBoolean
import org.kws.core.DecoderSettings
import org.kws.core.Detection
import org.kws.core.DetectionLog
import org.kws.core.Engine
import org.kws.core.Listener
import org.kws.core.ListenerEvents
import org.kws.core.ModelDescription
import org.kws.core.Refused
import org.kws.core.Result

/** What was heard last: one moment's numbers, for the screen. [windowMs] is null before the first window. */
class Numbers(val scores: FloatArray, val windowMs: Double?, val overruns: Int, val lostSamples: Long)

/** Listening, and what came of it. Lives on over a rotation of the screen; used on the main thread. */
class Session(private val app: KwsApplication) {
    private val assets = ModelAssets(app)
    private val handler = Handler(Looper.getMainLooper())
    private var running: Run? = null
    private var last: Listener? = null

    /** The model; null: there is none that can be served, and [problem] says why. */
    val model: ModelDescription?
    var engine: Engine? = null
        private set

    /** Why there is no model, or why listening ended by itself. */
    var problem: String? = null
        private set

    /** Told whenever there is something new to show. */
    var onChange: () -> Unit = {}

    /** Whether the user wants it to listen; it does while the app is in front. */
    var isWanted = true

    /** Whether the user refused the permission to record. */
    var isRefused = false
    private val kept: KeptChoice?
    val ownSettings: Boolean get() = kept?.isOwn ?: true
    val isListening: Boolean get() = running != null
    var numbers: Numbers? = null
        private set
    val log = DetectionLog()

    /** When each label was found last, by `SystemClock.uptimeMillis`. */
    val litAt = HashMap<Int, Long>()

    init {
        model = try {
            assets.describe()
        } catch (error: Refused) {
            problem = error.message
            null
        }
        engine = model?.engines?.keys?.minOrNull()
        kept = model?.let { KeptChoice(app, it) }
    }

    /** Begin to listen, where there is a model and it does not yet. */
    fun start() {
        val model = model ?: return
        val engine = engine ?: return
        if (running != null) return
        problem = null
        val run = Run(model)
        val before = last
        val open = {
            before?.join()
            app.scorer(engine, assets.unpack(model.engines.getValue(engine)), model)
        }
        val listener = Listener(model, open, app.microphone(model), run)
        listener.use(settings(model))
        run.listener = listener
        running = run
        last = listener
        listener.start()
    }

    /** Free the microphone. */
    fun stop() {
        running?.listener?.stop()
        running = null
    }

    /** Decode with the model's own settings, or with one threshold for all words; null takes the one chosen last. */
    fun choose(own: Boolean, percent: Int? = null) {
        val model = model ?: return
        kept?.keep(own, percent)
        running?.listener?.use(settings(model))
    }

    /** Listen with another engine. */
    fun choose(wanted: Engine) {
        if (wanted == engine) return
        engine = wanted
        if (running != null) {
            stop()
            start()
        }
    }

    /** The threshold to show: the model's own, or the chosen one. */
    fun shownPercent(): Int = kept?.let { if (it.isOwn) it.ownPercent else it.percent } ?: 0

    private fun settings(model: ModelDescription): DecoderSettings =
        if (kept == null || kept.isOwn) model.decoder else model.decoder.withOneThreshold(kept.percent / 100.0)

    /** One time of listening: takes what the threads tell to the main thread, no faster than it can show it. */
    private inner class Run(private val model: ModelDescription) : ListenerEvents {
        lateinit var listener: Listener
        private val found = ArrayList<Detection>()
        private val isPosted = AtomicBoolean()
        private var overruns = 0
        private var lost = 0L
        @Volatile private var latest: Numbers? = null

        override fun onResult(result: Result, scoringNanos: Long) {
            result.detection?.let { synchronized(found) { found.add(it) } }
            latest = Numbers(result.scores, scoringNanos / 1e6, overruns, lost)
            post()
        }

        override fun onOverrun(samples: Long, overruns: Int) {
            lost += samples
            this.overruns = overruns
            latest = Numbers(latest?.scores ?: FloatArray(model.labels.size), latest?.windowMs, overruns, lost)
            post()
        }

        override fun onEnd(error: Exception?) {
            handler.post {
                if (running !== this) return@post
                running = null
                isWanted = isWanted && error == null
                problem = error?.let { it.message ?: it.toString() }
                onChange()
            }
        }

        private fun post() {
            if (isPosted.compareAndSet(false, true)) handler.post(::show)
        }

        private fun show() {
            isPosted.set(false)
            if (running !== this) return
            val fresh = synchronized(found) { found.toList().also { found.clear() } }
            for (detection in fresh) {
                log.add(CLOCK.format(Date()), detection)
                litAt[model.labels.indexOf(detection.label)] = SystemClock.uptimeMillis()
            }
            latest?.let { numbers = it }
            onChange()
        }
    }

    private companion object {
        val CLOCK = SimpleDateFormat("HH:mm:ss", Locale.ROOT)
    }
}
