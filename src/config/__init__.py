"""Every schema: params.yaml with conf/, studies, searches; how Hydra composes a configuration, and
the sentences that reject one. Nothing here reads data or imports a framework.
"""
