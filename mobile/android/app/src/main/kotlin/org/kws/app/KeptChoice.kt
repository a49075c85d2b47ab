package org.kws.app

import android.content.Context
import org.kws.core.ModelDescription

/** The switch and the slider, kept on the phone until another model takes this one's place. */
class KeptChoice(app: Context, model: ModelDescription) {
    private val store = app.getSharedPreferences("choice", Context.MODE_PRIVATE)
    private val name = model.engines.values.joinToString { it.sha256 } + model.decoder

    /** The threshold that the model was tuned to. */
    val ownPercent = Math.round(100 * model.decoder.threshold).toInt()

    /** Whether the model's own settings decode. */
    var isOwn: Boolean
        private set

    /** The threshold for all words where they don't. */
    var percent: Int
        private set

    init {
        val isSame = store.getString(MODEL, null) == name
        isOwn = !isSame || store.getBoolean(OWN, true)
        percent = if (isSame) store.getInt(PERCENT, ownPercent) else ownPercent
    }

    fun keep(own: Boolean, chosen: Int?) {
        isOwn = own
        percent = chosen ?: percent
        store.edit().putString(MODEL, name).putBoolean(OWN, isOwn).putInt(PERCENT, percent).apply()
    }

    private companion object {
        const val MODEL = "model"
        const val OWN = "own"
        const val PERCENT = "percent"
    }
}
