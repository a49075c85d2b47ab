"""Train a keyword spotter: python train.py [setting=value …]; `python train.py --help` lists the settings."""

from kws.training.app import main

if __name__ == "__main__":
    main()
