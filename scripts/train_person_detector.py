"""Train the person detector: `python scripts/train_person_detector.py --help`."""

from detcam.cli.train import main

if __name__ == "__main__":
    main()
