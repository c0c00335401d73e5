"""Cluster three quarters of the digits, plot the ensemble's outputs, and predict the other points.

python examples/new_points.py [PICTURE.png]
"""

import sys

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split

from kingdra_repro import Kingdra
from kingdra_repro.bases import LadderIM
from kingdra_repro.evaluation import clustering_accuracy, information_score

picture = sys.argv[1] if len(sys.argv) > 1 else "clusters.png"
X, y = load_digits(return_X_y=True)
known, new, y_known, y_new = train_test_split(X / 16, y, random_state=0)

small = {"n_models": 3, "n_iter": 1, "first_epochs": 6, "epochs": 3}  # fast; the defaults do better
kingdra = Kingdra(n_clusters=10, base=LadderIM(hidden=(64,)), random_state=0, verbose=1, **small)
outputs = kingdra.fit_transform(known)  # [n, 10], the mean over the models
clusters, confidence, agreement = kingdra.predict_with_certainty(new)

places = PCA(2).fit_transform(outputs)
plt.scatter(*places.T, c=kingdra.labels_, s=4, cmap="tab10")
plt.title("Outputs of the ensemble, coloured by cluster")
plt.savefig(picture)

print(f"Accuracy, fitted: {clustering_accuracy(y_known, kingdra.labels_):.3f}")
print(f"Accuracy, new: {clustering_accuracy(y_new, clusters):.3f}")
print(f"Points that all models agree on: {(agreement == 1).mean():.3f}")
print(f"Score without labels: {information_score(kingdra, new):.3f}")
print("Picture:", picture)
