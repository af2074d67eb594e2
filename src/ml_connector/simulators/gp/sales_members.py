"""The members of the sales types in declaration order, base class first, as the legacy description has them."""

from __future__ import annotations

_OBJECT = ("Extensions",)

_DOCUMENT = (
    *_OBJECT, "Key", "Type", "Date", "FreightAmount", "MiscellaneousAmount", "TaxAmount", "TradeDiscount",
    "DiscountAmount", "CustomerName", "CustomerPONumber", "UPSZone", "MasterNumber", "Reference", "CommissionAmount",
    "ExchangeRate", "ExchangeDate", "RequestedShipDate", "Comment", "TaxExemptNumber1", "TaxExemptNumber2",
    "TaxRegistrationNumber", "FreightTaxBasis", "MiscellaneousTaxBasis", "FreightTaxAmount", "MiscellaneousTaxAmount",
    "Note", "TransactionState", "TaxScheduleKey", "FreightTaxScheduleKey", "MiscellaneousTaxScheduleKey",
    "LineTotalAmount", "TotalAmount", "CreatedBy", "CreatedDate", "ModifiedDate", "LastModifiedDate",
    "CommissionBasedOn", "CommissionSaleAmount", "ActualShipDate", "FulfillDate", "QuoteDate", "AuditTrailCode",
    "IsIntrastatDocument", "IsVoided", "ShipCompleteOnly", "FrontOfficeIntegrationId", "IntegrationSource",
    "IntegrationId", "InvoiceDate", "BackorderDate", "ReturnDate", "OriginalSalesDocumentKey",
    "OriginalSalesDocumentType", "DocumentTypeKey", "ShippingMethodKey", "WarehouseKey", "CustomerKey",
    "SalesTerritoryKey", "SalespersonKey", "BatchKey", "BillToAddressKey", "ShipToAddressKey", "PaymentTermsKey",
    "CurrencyKey", "CommentKey", "PriceLevelKey", "ShipToAddress", "UserDefined", "Commissions", "ProcessHolds",
    "Taxes", "FreightTaxes", "MiscellaneousTaxes", "TrackingNumbers",
)  # fmt: skip
_REPEATING = ("IsRepeating", "DocumentFrequency", "TimesToRepeat", "DaysToIncrement", "WorkflowPriority")

DOCUMENT_MEMBERS = {
    "Order": (
        *_DOCUMENT,
        "PaymentAmount",
        "DepositAmount",
        "ShippingProcessStatus",
        *_REPEATING,
        "Lines",
        "Payments",
        "Workflows",
    ),
    "Quote": (*_DOCUMENT, "ExpirationDate", *_REPEATING, "IsProspect", "Lines", "Workflows"),
}
"""The members of a document that can be created, by its type."""

_LINE = (
    *_OBJECT, "Key", "UnitPrice", "TotalAmount", "Quantity", "Discount", "UnitCost", "ItemDescription",
    "IsNonInventory", "IsDropShip", "RequestedShipDate", "Comment", "UofM", "DeleteOnUpdate", "ExtendedCost",
    "ItemTaxScheduleKey", "TaxBasis", "TaxAmount", "TaxScheduleKey", "CostOfSalesGLAccountKey", "DamagedGLAccountKey",
    "InServiceGLAccountKey", "InUseGLAccountKey", "InventoryGLAccountKey", "DiscountGLAccountKey",
    "ReturnsGLAccountKey", "SalesGLAccountKey", "FrontOfficeIntegrationId", "IntegrationSource", "IntegrationId",
    "WarehouseKey", "ItemKey", "ShippingMethodKey", "SalesTerritoryKey", "SalespersonKey", "CommentKey",
    "PriceLevelKey", "ShipToAddressKey", "ShipToAddress", "Taxes",
)  # fmt: skip

LINE_MEMBERS = {
    "Order": (
        *_LINE,
        "QuantityToBackorder",
        "QuantityToInvoice",
        "QuantityCanceled",
        "QuantityFulfilled",
        "QuantityAllocated",
        "FulfillDate",
        "ActualShipDate",
        "Components",
        "Serials",
        "Lots",
        "Bins",
    ),
    "Quote": (*_LINE, "QuantityCanceled", "QuantityToInvoice", "QuantityToOrder", "Components"),
}

LINE_KEY = ("CompanyKey", "SalesDocumentKey", "LineSequenceNumber")
USER_DEFINED = (
    "Date01",
    "Date02",
    "List01",
    "List02",
    "List03",
    "Text01",
    "Text02",
    "Text03",
    "Text04",
    "Text05",
)
BUSINESS_ADDRESS = (
    *_OBJECT, "Line1", "Line2", "Line3", "City", "State", "PostalCode", "CountryRegion", "Phone1", "Phone2", "Phone3",
    "Fax", "CountryRegionCodeKey", "Name", "ContactPerson",
)  # fmt: skip
PHONE = ("Value", "CountryCode", "Extension")
