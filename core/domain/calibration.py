"""What is run to learn what retraining costs on a class of node; `worker.scorecard.cost` says how it is read."""

RETRAIN_FILE = "retrain.py"
IDLE_FILE = "identity.py"  # timed among the retrainings, as among all other runs
CALIBRATION_TRIES = 10  # while its clocks disagree or its yardsticks differ
ROUGH_RUNS = 4  # retrainings that are timed where nothing is scored: `lacuna doctor`
