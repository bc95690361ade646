"""Training: settings, the loop over epochs, and engines for the optimizer steps."""

from forecasting.training.checkpoint import Checkpoint as Checkpoint
from forecasting.training.checkpoint import CheckpointClock as CheckpointClock
from forecasting.training.checkpoint import Checkpoints as Checkpoints
from forecasting.training.checkpoint import TrainingState as TrainingState
from forecasting.training.members import Member as Member
from forecasting.training.members import start_member as start_member
from forecasting.training.members import train_members as train_members
from forecasting.training.recipe.config import TrainingConfig as TrainingConfig
from forecasting.training.recipe.early_stopping import EpochRecord as EpochRecord
