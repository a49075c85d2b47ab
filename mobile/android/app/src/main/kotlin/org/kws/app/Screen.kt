package org.kws.app

import android.app.Activity
import android.view.View
import android.widget.Button
import android.widget.SeekBar
import android.widget.Switch
import android.widget.TextView
import org.kws.core.ModelDescription
import org.kws.core.SILENCE
import org.kws.core.UNKNOWN

/** What can be pressed. */
interface ScreenActions {
    fun listenOrPause()

    fun share()

    fun mendProblem()
}

/** The one screen: shows a [Session], and passes on what is pressed. */
class Screen(private val activity: Activity, private val session: Session, actions: ScreenActions) {
    private val tiles = ArrayList<TileView>()
    private val listen = find<Button>(R.id.listen)
    private val share = find<Button>(R.id.share)
    private val own = find<Switch>(R.id.own_settings)
    private val threshold = find<SeekBar>(R.id.threshold)
    private val problem = find<View>(R.id.problem)
    private val problemButton = find<Button>(R.id.problem_button)

    init {
        listen.setOnClickListener { actions.listenOrPause() }
        share.setOnClickListener { actions.share() }
        problemButton.setOnClickListener { actions.mendProblem() }
        session.model?.let(::fill)
        own.isChecked = session.ownSettings
        own.setOnCheckedChangeListener { _, isOn ->
            session.choose(isOn)
            show()
        }
        threshold.setOnSeekBarChangeListener(object : SeekBar.OnSeekBarChangeListener {
            override fun onProgressChanged(bar: SeekBar, percent: Int, fromUser: Boolean) {
                if (!fromUser) return
                session.choose(false, percent)
                own.isChecked = false
                show()
            }

            override fun onStartTrackingTouch(bar: SeekBar) = Unit

            override fun onStopTrackingTouch(bar: SeekBar) = Unit
        })
    }

    /** Show how things stand. */
    fun show() {
        val model = session.model
        showProblem(model)
        listen.isEnabled = model != null && !session.isRefused
        listen.setText(if (session.isListening) R.string.pause else R.string.listen)
        share.isEnabled = session.log.size > 0
        for (button in listOf(listen, share)) button.alpha = if (button.isEnabled) 1f else FAINT
        if (model == null) return
        set(R.id.model_line, activity.getString(R.string.model_line, model.name, session.engine?.title, model.rateHz))
        for ((index, tile) in tiles.withIndex()) {
            tile.score = if (session.isListening) session.numbers?.scores?.getOrNull(index) ?: 0f else 0f
            tile.litAt = session.litAt[index]
        }
        set(R.id.log, session.log.latest(2).joinToString("\n").ifEmpty { activity.getString(R.string.log_empty) })
        showNumbers(model)
        showThreshold(model)
    }

    private fun fill(model: ModelDescription) {
        val grid = find<TileGrid>(R.id.tiles)
        for (label in model.labels) {
            val title = when (label) {
                SILENCE -> activity.getString(R.string.silence)
                UNKNOWN -> activity.getString(R.string.unknown)
                else -> label
            }
            tiles.add(TileView(activity, title, label != SILENCE && label != UNKNOWN).also(grid::addView))
        }
    }

    private fun showProblem(model: ModelDescription?) {
        val said = session.problem
        val text = when {
            model == null -> activity.getString(R.string.broken, said)
            session.isRefused -> activity.getString(R.string.refused)
            said != null -> activity.getString(R.string.stopped, said)
            else -> null
        }
        problem.visibility = if (text == null) View.GONE else View.VISIBLE
        find<View>(R.id.tiles_scroll).visibility = if (text == null) View.VISIBLE else View.GONE
        find<View>(R.id.controls).visibility = if (model == null) View.GONE else View.VISIBLE
        problemButton.visibility = if (model == null) View.GONE else View.VISIBLE
        problemButton.setText(if (session.isRefused) R.string.allow else R.string.retry)
        if (text != null) set(R.id.problem_text, text)
    }

    private fun showNumbers(model: ModelDescription) {
        val numbers = session.numbers
        val windowMs = numbers?.windowMs
        val speed = if (windowMs == null) activity.getString(R.string.no_window)
        else activity.getString(R.string.window_line, windowMs, model.clipMs, model.decoder.strideMs)
        set(R.id.window_line, speed)
        if (numbers == null || numbers.overruns == 0) return set(R.id.drops_line, activity.getString(R.string.no_drops))
        val seconds = numbers.lostSamples.toDouble() / model.rateHz
        set(R.id.drops_line, activity.resources.getQuantityString(R.plurals.drops, numbers.overruns, numbers.overruns, seconds))
    }

    private fun showThreshold(model: ModelDescription) {
        val percent = session.shownPercent()
        val isMixed = session.ownSettings && model.decoder.wordThresholds.isNotEmpty()
        set(R.id.threshold_line, activity.getString(if (isMixed) R.string.threshold_own else R.string.threshold_line, percent))
        if (threshold.progress != percent) threshold.progress = percent
    }

    // A text that is set again is read out again.
    private fun set(id: Int, text: String) {
        val view = find<TextView>(id)
        if (view.text.toString() != text) view.text = text
    }

    private fun <T : View> find(id: Int): T = activity.findViewById(id)

    private companion object {
        const val FAINT = 0.4f
    }
}
