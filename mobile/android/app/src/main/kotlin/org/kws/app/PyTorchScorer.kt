package org.kws.app

import java.io.File
import org.kws.core.ModelDescription
import org.kws.core.Refused
import org.kws.core.Scorer
import org.pytorch.Device
import org.pytorch.IValue
import org.pytorch.LiteModuleLoader
import org.pytorch.Tensor

/** A `.ptl` in PyTorch Mobile's lite interpreter, on the CPU. */
class PyTorchScorer(file: File, private val model: ModelDescription) : Scorer {
    private val module = native("PyTorch Mobile", file) { LiteModuleLoader.load(file.path, null, Device.CPU) }
    private val shape = longArrayOf(1, model.clipSamples.toLong())

    override fun score(clip: FloatArray): FloatArray {
        val scores = module.forward(IValue.from(Tensor.fromBlob(clip, shape))).toTensor().dataAsFloatArray
        if (scores.size != model.labels.size) throw Refused("${scores.size} scores, ${model.labels.size} labels; export the model again")
        return scores
    }

    override fun close() = module.destroy()
}

/** What a runtime throws for a file that it can't load, or where its native library is missing, as something to show. */
internal fun <T> native(runtime: String, file: File, load: () -> T): T = try {
    load()
} catch (error: LinkageError) {
    throw Refused("$runtime has no library for this phone's processor or Android (${error.message}); try the other engine", error)
} catch (error: Exception) {
    throw Refused("$runtime can't load ${file.name} (${error.message?.lineSequence()?.first()}); export the model again", error)
}
