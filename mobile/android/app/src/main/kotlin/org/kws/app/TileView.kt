package org.kws.app

import android.content.Context
import android.graphics.Canvas
import android.graphics.Paint
import android.graphics.Typeface
import android.os.SystemClock
import android.view.View
import android.view.accessibility.AccessibilityNodeInfo

/**
 * A label with its score as a bar; lights up when it was found, and fades.
 *
 * @param title of the label, as it is shown
 * @param isWord false: silence or unknown, drawn quieter
 */
class TileView(context: Context, val title: String, private val isWord: Boolean) : View(context) {
    private val density = resources.displayMetrics.density
    private val scaled = density * resources.configuration.fontScale
    private val fill = Paint(Paint.ANTI_ALIAS_FLAG)
    private val text = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        typeface = if (isWord) Typeface.DEFAULT_BOLD else Typeface.DEFAULT
    }
    private val percent: Int get() = Math.round(100 * score)

    /** The label's latest score. */
    var score = 0f
        set(value) {
            if (value == field) return
            field = value
            invalidate()
        }

    /** When it was found, by `SystemClock.uptimeMillis`; null: never. */
    var litAt: Long? = null
        set(value) {
            if (value == field) return
            field = value
            invalidate()
        }

    /** 1 when it was just found, 0 when that has faded. */
    val glow: Float get() {
        val at = litAt ?: return 0f
        val passed = SystemClock.uptimeMillis() - at - HELD_MS
        return (1 - passed / FADE_MS).coerceIn(0f, 1f)
    }

    init {
        isFocusable = true
    }

    override fun onInitializeAccessibilityNodeInfo(info: AccessibilityNodeInfo) {
        super.onInitializeAccessibilityNodeInfo(info)
        info.contentDescription = context.getString(R.string.tile_text, title, percent)
    }

    override fun onDraw(canvas: Canvas) {
        val glow = glow
        val gap = GAP_DP * density
        fill.color = mix(colour(R.color.tile), colour(R.color.lit), glow)
        canvas.drawRoundRect(gap, gap, width - gap, height - gap, CORNER_DP * density, CORNER_DP * density, fill)
        drawText(canvas, gap, glow)
        drawBar(canvas, gap, glow)
        if (glow > 0) postInvalidateOnAnimation()
    }

    private fun drawText(canvas: Canvas, gap: Float, glow: Float) {
        val inset = gap + INSET_DP * density
        text.textAlign = Paint.Align.CENTER
        text.color = mix(colour(if (isWord) R.color.tile_text else R.color.quiet_text), colour(R.color.lit_text), glow)
        text.textSize = (if (isWord) WORD_SP else QUIET_SP) * scaled
        val room = width - 2 * inset
        val needed = text.measureText(title)
        if (needed > room) text.textSize *= room / needed
        canvas.drawText(title, width / 2f, height / 2f, text)
        text.textSize = NUMBER_SP * scaled
        text.color = mix(colour(R.color.quiet_text), colour(R.color.lit_text), glow)
        canvas.drawText("$percent %", width / 2f, height / 2f + NUMBER_DOWN_SP * scaled, text)
    }

    private fun drawBar(canvas: Canvas, gap: Float, glow: Float) {
        val inset = gap + INSET_DP * density
        val high = BAR_DP * density
        val bottom = height - inset
        fill.color = mix(colour(R.color.track), colour(R.color.lit_track), glow)
        canvas.drawRoundRect(inset, bottom - high, width - inset, bottom, high / 2, high / 2, fill)
        if (score <= 0) return
        val long = (width - 2 * inset) * score.coerceIn(0f, 1f)
        fill.color = mix(colour(if (isWord) R.color.accent else R.color.quiet_text), colour(R.color.lit_text), glow)
        canvas.drawRoundRect(inset, bottom - high, inset + maxOf(long, high), bottom, high / 2, high / 2, fill)
    }

    @Suppress("DEPRECATION") // The one with a theme is newer than Android 5.
    private fun colour(id: Int) = resources.getColor(id)

    private fun mix(from: Int, to: Int, share: Float): Int {
        var mixed = 0
        for (shift in intArrayOf(24, 16, 8, 0)) {
            val a = from ushr shift and 0xFF
            val b = to ushr shift and 0xFF
            mixed = mixed or (Math.round(a + (b - a) * share) shl shift)
        }
        return mixed
    }

    private companion object {
        const val HELD_MS = 600
        const val FADE_MS = 600f
        const val GAP_DP = 4
        const val INSET_DP = 10
        const val CORNER_DP = 12
        const val BAR_DP = 6
        const val WORD_SP = 22
        const val QUIET_SP = 17
        const val NUMBER_SP = 12
        const val NUMBER_DOWN_SP = 17
    }
}
