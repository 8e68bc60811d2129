"""Clustering: algorithms by name, choosing, ensembles, near-duplicates, …"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "algorithms": [
            "ALGORITHMS",
            "FIND_K",
            "SEEDED",
            "cluster",
            "is_seeded",
            "pipeline",
            "prepare",
        ],
        "choice": ["Choice", "choose", "stability"],
        "embeddings": ["laplacian_eigenmaps", "umap_embedding"],
        "estimators": [
            "DBSCANClusters",
            "GaussianClusters",
            "HDBSCANClusters",
            "SpectralClusters",
        ],
        "micro_clusters": ["OverMicroClusters"],
        "preprocessing": ["ClippedPCA", "parse_algorithm"],
        "ensembles": [
            "bipartite",
            "co_association",
            "diversity",
            "evidence_accumulation",
            "lifetimes",
        ],
        "representatives": ["medoids", "top_clusters"],
        "duplicates": [
            "duplicate_curve",
            "duplicate_groups",
            "links",
            "nearest_distances",
            "without_duplicates",
        ],
        "joint_learning": [
            "affinity",
            "chains",
            "merge_clusters",
            "triplet_loss",
            "triplets",
        ],
        "multiview": ["TripletNetwork", "jule", "mvnet", "train_triplets"],
        "out_of_core": ["fit_out_of_core", "label_out_of_core"],
        "neighbour_heads": ["temi", "temi_loss"],
        "neighbours": ["nearest_neighbours"],
        "semantic": [
            "SICSettings",
            "balance",
            "choose_nouns",
            "consistency_loss",
            "counterparts",
            "distinctive_nouns",
            "image_centres",
            "pseudo_labels",
            "semantic_centres",
            "semantic_loss",
            "sic",
            "tac",
        ],
    },
)
