"""Training: data module, module, loss, schedule, callbacks, sweeps, final evaluation."""
