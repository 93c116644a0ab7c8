"""Many runs: sweeps, studies and searches as plans, and the engine and executors that train them.
Nothing here draws, or says what runs show (`src.reporting`, `src.analysis`).
"""
