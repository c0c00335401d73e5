"""Cluster scikit-learn's digits and compare with K-means: python examples/digits.py"""

from sklearn.datasets import load_digits

from kingdra_repro import Kingdra
from kingdra_repro.bases import LadderIM
from kingdra_repro.evaluation import clustering_accuracy
from kingdra_repro.methods import KMeans

SMALL = {"n_models": 4, "n_iter": 2, "first_epochs": 4, "epochs": 2}  # fast; the defaults do better

X, y = load_digits(return_X_y=True)
X = X / 16  # pixels from 0 to 1: the networks' noise level assumes values of about 1
kingdra = Kingdra(n_clusters=10, base=LadderIM(hidden=(64,)), random_state=0, **SMALL).fit(X)
kmeans = KMeans(n_clusters=10, random_state=0).fit(X)

print(f"Kingdra: {clustering_accuracy(y, kingdra.labels_):.3f}")
print(f"K-means: {clustering_accuracy(y, kmeans.labels_):.3f}")
print("Pseudo-labels by iteration:", kingdra.history_["n_pseudo_labels"].dropna().astype(int).tolist())
print("Clusters of the first five rows:", kingdra.predict(X[:5]))
