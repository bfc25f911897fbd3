"""CIFAR-100: 32x32 colour images in 100 classes, which make up 20 coarse ones.

Source: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images (2009).
Files:  <root>/cifar-100-python or cifar-100-python.tar.gz, as torchvision leaves them; or the binary version,
        cifar-100-binary or cifar-100-binary.tar.gz.
Splits: 45,000 / 5,000 / 10,000; validation is drawn from the 50,000 training images, each class with its share.
"""

from __future__ import annotations

from typing import Literal

from sparsetune.config.base import param
from sparsetune.data.cifar import CifarImages, Layout, read_pickle, read_records
from sparsetune.data.downloaded import DownloadedConfig
from sparsetune.data.pools import Array

COARSE = tuple(
    """aquatic_mammals fish flowers food_containers fruit_and_vegetables household_electrical_devices
    household_furniture insects large_carnivores large_man-made_outdoor_things large_natural_outdoor_scenes
    large_omnivores_and_herbivores medium_mammals non-insect_invertebrates people reptiles small_mammals trees
    vehicles_1 vehicles_2""".split()  # noqa: SIM905
)
FINE = tuple(
    """apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
    caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant
    flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree
    motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate
    poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider
    squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle
    wardrobe whale willow_tree wolf woman worm""".split()  # noqa: SIM905
)


class Cifar100Config(DownloadedConfig):
    """Settings of CIFAR-100."""

    name: Literal["cifar100"] = "cifar100"
    labels: Literal["fine", "coarse"] = param("fine", "fine: 100 classes; coarse: 20")


class Cifar100(CifarImages):
    """45,000 / 5,000 / 10,000 colour images in 100 or 20 classes."""

    Config = Cifar100Config
    kinds = {"coarse_labels": COARSE, "fine_labels": FINE}
    batches = {"train": ["train"], "test": ["test"]}
    layouts = (
        Layout("cifar-100-python", "", "cifar-100-python.tar.gz", read_pickle),
        Layout("cifar-100-binary", ".bin", "cifar-100-binary.tar.gz", read_records),
    )

    @classmethod
    def class_names(cls, config: Cifar100Config) -> tuple[str, ...]:
        return COARSE if config.labels == "coarse" else FINE

    @classmethod
    def targets(cls, config: Cifar100Config, labels: Array) -> Array:
        return labels[:, list(cls.kinds).index(f"{config.labels}_labels")]
