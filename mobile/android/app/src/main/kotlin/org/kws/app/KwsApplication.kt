package org.kws.app

import android.app.Application
import java.io.File
import java.io.InputStream
import org.kws.core.Engine
import org.kws.core.Microphone
import org.kws.core.ModelDescription
import org.kws.core.Scorer

/** What the screen is joined to; tests put something else in its place. */
open class KwsApplication : Application() {
    /** A file of the model that `kws export --android` put into the assets. */
    open fun openAsset(name: String): InputStream = assets.open("kws/$name")

    open fun microphone(model: ModelDescription): Microphone = AndroidMicrophone(model.rateHz)

    open fun scorer(engine: Engine, file: File, model: ModelDescription): Scorer = when (engine) {
        Engine.PYTORCH -> PyTorchScorer(file, model)
        Engine.ONNX_RUNTIME -> OnnxScorer(file, model)
    }
}
