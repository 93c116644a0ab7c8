"""The configuration: its schema, how Hydra composes it, and the sentences that refuse it. Nothing
here reads data or imports a framework.
"""
