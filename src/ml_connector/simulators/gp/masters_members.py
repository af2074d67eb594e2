"""The members of customers, vendors and their addresses in declaration order (legacy description, facts 2.7)."""

from __future__ import annotations

CUSTOMER = (
    "Extensions", "Key", "IsOnHold", "IsActive", "ShipCompleteOnly", "Name", "Shortname", "StatementName", "ClassKey",
    "Priority", "DefaultAddressKey", "ShipToAddressKey", "BillToAddressKey", "StatementToAddressKey", "Comment1",
    "Comment2", "TradeDiscountPercent", "PaymentTermsKey", "DiscountGracePeriod", "DueDateGracePeriod",
    "PriceLevelKey", "Notes", "BalanceType", "FinanceCharge", "MinimumPayment", "CreditLimit", "MaximumWriteoff",
    "AllowRevaluation", "PostResultsTo", "OrderFullfillmentShortageDefault", "IncludeInDemandPlanning",
    "PaymentCardAccount", "BankName", "BankBranch", "UserLanguageKey", "TaxExemptNumbers", "TaxRegistrationNumber",
    "CurrencyKey", "RateTypeKey", "StatementCycle", "HistoryOptions", "SendEmailStatements", "BankAccountKey",
    "DefaultCashAccountType", "CashGLAccountKey", "AccountsReceivableGLAccountKey", "SalesGLAccountKey",
    "CostOfGoodsSoldGLAccountKey", "InventoryGLAccountKey", "PaymentTermsDiscountTakenGLAccountKey",
    "PaymentTermsDiscountAvailableGLAccountKey", "FinanceChargesGLAccountKey", "WriteoffGLAccountKey",
    "SalesOrderReturnsGLAccountKey", "OverpaymentWriteoffGLAccountKey", "StatementRecipients", "CreatedDate",
    "ModifiedDate", "LastModifiedDate", "CorporateAccountKey", "UserDefined1", "UserDefined2", "Addresses",
)  # fmt: skip

VENDOR = (
    "Extensions", "Key", "Name", "ShortName", "CheckName", "IsOnHold", "IsActive", "IsOneTime", "ClassKey",
    "DefaultAddressKey", "PurchaseAddressKey", "RemitToAddressKey", "ShipFromAddressKey", "VendorAccountNumber",
    "Comment1", "Comment2", "Notes", "CurrencyKey", "RateTypeKey", "PaymentTermsKey", "DiscountGracePeriod",
    "DueDateGracePeriod", "PaymentPriority", "MinimumOrderAmount", "TradeDiscountPercent", "TaxSchedule",
    "TaxIdentificationNumber", "TaxRegistrationNumber", "BankAccountKey", "UserDefined1", "UserDefined2",
    "Tax1099Type", "Tax1099BoxNumber", "FreeOnBoard", "UserLanguageKey", "MinimumPayment", "MaximumInvoice",
    "CreditLimit", "MaximumWriteoff", "AllowRevaluation", "PostResultsTo", "HistoryOptions", "DefaultCashAccountType",
    "CashGLAccountKey", "AccountsPayableGLAccountKey", "TermsDiscountAvailableGLAccountKey",
    "TermsDiscountTakenGLAccountKey", "FinanceChargesGLAccountKey", "PurchasesGLAccountKey",
    "TradeDiscountGLAccountKey", "MiscellaneousGLAccountKey", "FreightGLAccountKey", "TaxGLAccountKey",
    "WriteoffGLAccountKey", "AccruedPurchasesGLAccountKey", "PurchasePriceVarianceGLAccountKey", "CreatedDate",
    "ModifiedDate", "ProjectAccountingOptions", "Addresses", "WorkflowPriority", "Workflows", "Language",
    "UpdateIfExists",
)  # fmt: skip

_CONSTITUENT_ADDRESS = (
    "Extensions", "Line1", "Line2", "Line3", "City", "State", "PostalCode", "CountryRegion", "Phone1", "Phone2",
    "Phone3", "Fax", "CountryRegionCodeKey", "Name", "ContactPerson", "UPSZone", "ShippingMethodKey",
    "TaxScheduleKey", "CreatedDate", "ModifiedDate", "LastModifiedDate", "UserDefined1", "UserDefined2",
    "InternetAddresses", "Key",
)  # fmt: skip
CUSTOMER_ADDRESS = (
    *_CONSTITUENT_ADDRESS,
    "SalespersonKey",
    "SalesTerritoryKey",
    "WarehouseKey",
    "DeleteOnUpdate",
)
VENDOR_ADDRESS = (*_CONSTITUENT_ADDRESS, "DeleteOnUpdate")
INTERNET_ADDRESSES = (
    "MessengerAddress", "EmailToAddress", "EmailCcAddress", "EmailBccAddress", "InternetField1", "InternetField2",
    "InternetField3", "InternetField4", "InternetField5", "InternetField6", "InternetField7", "InternetField8",
    "AdditionalInformation",
)  # fmt: skip
ADDRESS_KEY = ("CompanyKey", "CustomerKey", "VendorKey", "Id")
CREDIT_LIMIT = ("SpecialAmount", "Amount", "Period", "PeriodAmount")
