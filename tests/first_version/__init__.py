"""The tables and scenarios of the first version, as they were: answers and costs are held against them."""

from pathlib import Path

ROOT = Path(__file__).parent
MODELS = ROOT / "models"
