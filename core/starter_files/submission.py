"""A first submission: fine-tune on the retain set, with a little noise so that every replica ends elsewhere.

Check it:      lacuna validate submission.py
Try it:        lacuna doctor submission.py
Score it here: lacuna evaluate submission.py
Enter it:      lacuna submit submission.py --wait
"""

import torch
from torch.nn import functional as F

EPOCHS = 3
LEARNING_RATE = 0.1
NOISE = 0.3  # standard deviation added to each weight tensor, as a share of its own


def unlearning(net, retain_loader, forget_loader, val_loader):
    """Change `net` so that it behaves like one that never saw the forget set.

    The loaders give (x, y) batches, or on some problems a dict with "image" and "age_group". The same function is
    called hundreds of times, each time in a fresh process with another seed; what it costs, against retraining from
    scratch, is measured. Return the network, or change it in place and return nothing.
    """
    device = next(net.parameters()).device
    with torch.no_grad():
        for weight in net.parameters():
            if weight.numel() > 1:
                weight.add_(NOISE * weight.std() * torch.randn_like(weight))
    optimizer = torch.optim.SGD(net.parameters(), lr=LEARNING_RATE, momentum=0.9, weight_decay=5e-4)
    steps = EPOCHS * len(retain_loader)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(steps - step, 0) / steps)
    net.train()
    for _ in range(EPOCHS):
        for batch in retain_loader:
            x, y = (batch["image"], batch["age_group"]) if isinstance(batch, dict) else batch
            outputs, y = net(x.to(device)), y.to(device)
            loss = F.mse_loss(outputs[:, 0], y) if y.is_floating_point() else F.cross_entropy(outputs, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
    return net
