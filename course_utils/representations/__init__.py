"""Representations: images as vectors, handcrafted or by a pretrained network."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "extraction": ["extract", "load_network", "parse"],
        "handcrafted": ["HANDCRAFTED", "bag_of_words", "sift", "tf_idf"],
        "backbones": [
            "BUNDLED",
            "MODERN",
            "TEN",
            "WeightsUnavailable",
            "accelerator",
            "backbone_layers",
            "backbone_table",
            "build_backbone",
        ],
        "bundled": [
            "efficientnet_lite0",
            "preprocess_efficientnet_lite0",
            "preprocess_squeezenet",
            "squeezenet",
        ],
        "feature_store": ["FeatureParts"],
        "clip": ["TAC_PROMPTS", "load_clip", "noun_vectors", "picture_vectors"],
        "nouns": [
            "centred",
            "imagenet_class_names",
            "imagenet_nouns",
            "name_clusters",
            "wordnet_nouns",
        ],
    },
)
