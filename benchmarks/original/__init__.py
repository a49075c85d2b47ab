"""TensorFlow's speech_commands example in TensorFlow's own operators, to be measured beside kws in the same run.

Everything here but `interpreter`, `clips` and `decoder` needs TensorFlow; nothing needs kws or torch. The benchmarks run it in
processes of its own, with the interpreter that `--tensorflow-python` names.
"""
