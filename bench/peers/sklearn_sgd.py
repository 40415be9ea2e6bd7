"""scikit-learn: SGDClassifier for one row a step, MLPClassifier(solver="sgd") for every batch size.

`SGDClassifier` knows two classes in one model, one row a step and no penalty here: plain descent, the same as ours. Its
features stay float32; it adds up its loss in float64. An `MLPClassifier` without hidden layers is logistic or softmax
regression; its start is set by writing into `coefs_` and `intercepts_` after a first call, since it has no public way.
One `partial_fit` is one epoch, shuffled; it checks its input and encodes the classes each time, which is inside the
clock as it is for everyone who uses it.
"""

import warnings

import contest
import numpy as np
import sklearn
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier

warnings.filterwarnings("ignore")


class OneRow:
    def __init__(self, rows, lr, batch):
        self.rows, self.lr = rows, lr
        self.x = rows.csr() if rows.nonzeros else rows.x
        self.reset()

    def reset(self):
        self.model = SGDClassifier(
            loss="log_loss", penalty=None, alpha=0.0, learning_rate="constant", eta0=self.lr, shuffle=True, random_state=1
        )

    def theta(self):
        return [(self.model.coef_, self.model.intercept_)]

    def epoch(self, rng):
        self.model.set_params(random_state=int(rng.integers(1 << 31)))
        self.model.partial_fit(self.x, self.rows.y, classes=[0.0, 1.0])


class Perceptron:
    def __init__(self, rows, lr, batch):
        self.rows, self.lr, self.batch = rows, lr, batch
        self.classes = np.arange(max(2, rows.n_outputs))
        self.x = rows.csr() if rows.nonzeros else rows.x
        self.y = rows.y.astype(np.int64)
        self.reset()

    def reset(self):
        # The generator is one object for all epochs: with a seed every epoch would have the same order.
        self.model = MLPClassifier(
            hidden_layer_sizes=self.rows.case["hidden"], solver="sgd", alpha=0.0, batch_size=self.batch, momentum=0.0,
            nesterovs_momentum=False, learning_rate="constant", learning_rate_init=self.lr, shuffle=self.batch < self.rows.n_rows,
            random_state=np.random.RandomState(1),
        )
        with warnings.catch_warnings():
            few = min(len(self.y), max(self.batch, 2))
            self.model.partial_fit(self.x[:few], self.y[:few], classes=self.classes)
        for number, (weight, bias) in enumerate(self.rows.start()):
            self.model.coefs_[number][...] = weight.T
            self.model.intercepts_[number][...] = bias

    def theta(self):
        return [(weight.T, bias) for weight, bias in zip(self.model.coefs_, self.model.intercepts_)]

    def epoch(self, rng):
        self.model.partial_fit(self.x, self.y)


def variants(case, batch):
    one_score = case["outputs"] == 1 and not case["hidden"]
    ways = {"SGDClassifier": OneRow} if one_score and batch == "1" else {}
    return ways if case["nonzeros"] and batch == "1" else ways | {"MLPClassifier": Perceptron}


contest.run("scikit-learn", variants, {"scikit-learn": sklearn.__version__})
